ferry_fuzz(sim_device USES room_simdev)
ferry_fuzz(publish_show USES room_publish)
ferry_fuzz(sim_ezsp USES room_simzigbee)
ferry_fuzz(sim_deconz USES room_simzigbee)

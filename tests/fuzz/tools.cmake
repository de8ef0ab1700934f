ferry_fuzz(sim_device USES room_simdev)
ferry_fuzz(publish_show USES room_publish)

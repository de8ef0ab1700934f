ferry_fuzz(sim_device USES room_simdev)

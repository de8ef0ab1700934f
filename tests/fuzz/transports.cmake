ferry_fuzz(sim_wire USES room_sim_wire)
ferry_fuzz(sim_driver USES room_sim)
ferry_fuzz(znp USES room_zigbee)

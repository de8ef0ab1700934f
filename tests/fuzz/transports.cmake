ferry_fuzz(sim_wire USES room_sim_wire)

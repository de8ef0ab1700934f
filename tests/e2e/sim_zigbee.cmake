ferry_e2e(sim_zigbee FILES test_sim_zigbee.py)

ferry_e2e(zigbee_sim FILES test_zigbee_sim.py)

ferry_e2e(zigbee_memory FILES test_zigbee_memory.py)

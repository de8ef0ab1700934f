ferry_e2e(zigbee FILES test_zigbee.py)

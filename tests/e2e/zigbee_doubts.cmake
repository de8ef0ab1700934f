ferry_e2e(zigbee_doubts FILES test_zigbee_doubts.py)

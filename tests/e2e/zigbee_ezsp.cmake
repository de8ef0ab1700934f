ferry_e2e(zigbee_ezsp FILES test_zigbee_ezsp.py)

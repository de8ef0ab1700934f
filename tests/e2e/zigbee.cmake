ferry_e2e(zigbee FILES test_zigbee.py)
ferry_e2e(zigbee_images FILES test_zigbee_images.py)

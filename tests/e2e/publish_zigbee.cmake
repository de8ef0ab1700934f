ferry_e2e(publish_zigbee FILES test_publish_zigbee.py)

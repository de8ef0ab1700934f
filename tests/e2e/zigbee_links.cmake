ferry_program(zigbee_probe SOURCES zigbee_probe.c USES room_transports room_zigbee)
ferry_e2e(zigbee_links FILES test_zigbee_links.py -k "not in_spite_of")
ferry_e2e(zigbee_troubles FILES test_zigbee_links.py -k in_spite_of)

ferry_program(zcl_probe SOURCES zcl_probe.c USES room_zigbee_files)
ferry_e2e(zigbee_codec FILES test_zigbee_codec.py)

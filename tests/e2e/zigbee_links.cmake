ferry_program(zigbee_probe SOURCES zigbee_probe.c USES room_transports room_zigbee)

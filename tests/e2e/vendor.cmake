ferry_program(http_probe SOURCES http_probe.c USES room_vendor)

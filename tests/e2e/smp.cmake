ferry_program(smp_probe SOURCES smp_probe.c USES room_devices)
ferry_e2e(smp FILES test_smp.py)

ferry_fuzz(smp_frame USES room_devices)
ferry_fuzz(smp_engine USES room_devices)
ferry_fuzz(mcuboot USES room_mcuboot)

ferry_fuzz(config USES room_config room_gates)

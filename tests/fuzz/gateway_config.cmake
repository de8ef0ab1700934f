ferry_fuzz(config USES room_config)

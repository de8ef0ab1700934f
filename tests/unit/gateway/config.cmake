ferry_unit(config_reader USES room_config_reader)
ferry_unit(config USES room_config)

ferry_unit(config_reader USES room_config_reader)
ferry_unit(config USES room_config)
ferry_unit(config_network USES room_config)

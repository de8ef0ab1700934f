foreach(part console server boot device switches)
	ferry_unit(sim_${part} USES room_simdev)
endforeach()
ferry_unit(sim_config USES room_simworld)

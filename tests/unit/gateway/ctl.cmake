ferry_unit(ctl SOURCES admin_rig.c USES room_admin)
add_dependencies(test_ctl ferryctl)

foreach(name shapes docs)
	add_test(NAME unit.gateway_${name} COMMAND /usr/bin/python3 -m pytest -q
		-p no:cacheprovider "${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.py")
	set_tests_properties(unit.gateway_${name} PROPERTIES TIMEOUT 300 ENVIRONMENT
		"PYTHONDONTWRITEBYTECODE=1;FERRY_BIN=${CMAKE_BINARY_DIR}/bin")
endforeach()

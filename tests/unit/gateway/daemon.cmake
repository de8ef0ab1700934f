ferry_unit(evidence_room USES room_daemon policy_maker)
ferry_unit(release_evidence USES room_daemon policy_maker)
# What the daemon has built in gives way to what a test plays.
foreach(name radio radio_filled radio_memory job_member)
	ferry_unit(${name}
		SOURCES radio_rig.c script_engine.c pretended_radio.c
		USES room_daemon)
	target_link_options(test_${name} PRIVATE
		-Wl,--wrap=engine_find,--wrap=drivers_get,--wrap=drivers_put)
endforeach()
ferry_unit(delegated USES room_daemon)
target_link_options(test_delegated PRIVATE -Wl,--wrap=delegate_open
	-Wl,--wrap=delegate_close,--wrap=delegate_offer)
ferry_unit(check USES room_daemon)
ferry_unit(floors USES room_daemon)
ferry_unit(lines USES room_daemon)
ferry_unit(entry_match USES room_daemon)
ferry_unit(bundle USES room_daemon)

ferry_unit(evidence_room USES room_daemon policy_maker)
ferry_unit(release_evidence USES room_daemon policy_maker)

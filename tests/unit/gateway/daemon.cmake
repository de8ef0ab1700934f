ferry_unit(evidence_room USES room_daemon policy_maker)

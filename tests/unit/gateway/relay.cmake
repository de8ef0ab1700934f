ferry_unit(job_state USES room_relay)
ferry_unit(image_window USES room_relay)
ferry_unit(session USES room_relay room_serial util)
ferry_unit(airtime USES room_relay)

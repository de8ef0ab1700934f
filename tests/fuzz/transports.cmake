ferry_fuzz(sim_wire USES room_sim_wire)
ferry_fuzz(sim_driver USES room_sim)
ferry_fuzz(znp USES room_zigbee)
ferry_fuzz(ash USES room_zigbee)
ferry_fuzz(ezsp SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/transports/ash_peer.c"
	"${CMAKE_SOURCE_DIR}/tests/unit/transports/ezsp_peer.c"
	USES room_zigbee)
ferry_fuzz(zdo USES room_zigbee)
ferry_fuzz(zigbee_socket USES room_zigbee)
ferry_fuzz(deconz USES room_zigbee)
ferry_fuzz(zigbee_driver
	SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/transports/vhost.c"
	USES room_zigbee)
ferry_fuzz(settings USES room_transports room_serial room_sim room_zigbee)

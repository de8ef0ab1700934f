ferry_fuzz(z2m USES room_relay)

ferry_fuzz(keys USES room_keys)

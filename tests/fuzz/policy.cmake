ferry_fuzz(cose USES room_trust)
ferry_fuzz(root USES room_trust)
ferry_fuzz(catalog USES room_trust)
ferry_fuzz(suit USES room_trust)

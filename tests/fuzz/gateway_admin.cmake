ferry_fuzz(admin USES room_admin)

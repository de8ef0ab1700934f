ferry_fuzz(ctl USES room_ctl)

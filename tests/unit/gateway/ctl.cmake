ferry_unit(ctl SOURCES admin_rig.c USES room_admin)
add_dependencies(test_ctl ferryctl)

ferry_unit(vendor_poll USES room_vendor)

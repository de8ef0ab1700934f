ferry_e2e(publish FILES test_publish.py test_publish_pki.py
	test_publish_root.py)
ferry_e2e(publish_signers FILES test_publish_sign.py test_publish_verify.py
	test_publish_gateway.py)
ferry_e2e(publish_hss FILES test_publish_hss.py)

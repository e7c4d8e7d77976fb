"""``python send.py on_celery 1000 0``: enqueue so many quick jobs, so many seconds apart; prints how long it took."""

import sys
import time
from importlib import import_module

module = import_module(sys.argv[1])
began = time.perf_counter()
module.send(int(sys.argv[2]), float(sys.argv[3]))
sys.stdout.write(f"{time.perf_counter() - began}\n")

import itertools
import time

import messages

brokers = messages.find_brokers()
for number in itertools.count():
    key = f"{time.time():.0f}-{number}"
    messages.ask(messages.choose_leader(brokers, key), {"append": key})
    time.sleep(1)

"""The clinic: the same protocol file, run with real people.

What lives here: a web application (Django) that uses the library; its apps, its ground and its server. What does not:
any science. The library never imports this package.

Rooms, each importing only those below it: ``demo`` · ``exports`` · ``floor`` · ``assessments`` · ``stock`` ·
``treatments`` · ``safety`` · ``participants`` · ``programmes`` · ``audit`` · ``accounts`` · ``ledger`` · ``pages`` ·
``ground``.
"""

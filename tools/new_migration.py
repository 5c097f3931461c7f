"""Write the next migration from the models: `python tools/new_migration.py "what changes"`.

It migrates a fresh SQLite database to head, compares it with the models of Ieum's own packages
and writes `lms/migrations/versions/NNNN_what_changes.py`. Read the file before committing it.
"""

import sys
import tempfile
from pathlib import Path

from lms import migrations
from lms.db import Base
from lms.plugins import plugin_manager


def main() -> None:
    message = " ".join(sys.argv[1:]).strip()
    if not message:
        sys.exit('Say what changes: python tools/new_migration.py "first tables"')
    plugin_manager(third_parties=False)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.sqlite'}"
        migrations.upgrade(url)
        print(migrations.revise(url, Base.metadata, message))


if __name__ == "__main__":
    main()

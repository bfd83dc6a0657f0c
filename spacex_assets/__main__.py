"""`python -m spacex_assets`."""

from spacex_assets.cli import main

main()

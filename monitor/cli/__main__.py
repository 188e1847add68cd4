"""`python -m monitor.cli` runs the command `providerwatch`."""

from monitor.cli.main import main

if __name__ == "__main__":
    main()

#!/bin/sh
set -eu
ruff check clinic
mypy clinic
python manage.py test

FROM python:3.13
USER root
CMD ["python"]

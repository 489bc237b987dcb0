FROM python:3.13
USER 10001:10001
CMD ["python"]

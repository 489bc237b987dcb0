FROM python:latest
USER 10001:10001
CMD ["python"]

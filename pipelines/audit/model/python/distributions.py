"""Which distribution an import comes from, and which others a distribution brings along.

Python's own metadata would say so of an installed environment; an audit installs nothing, so the
well-known ones stand here. What stands in no line is its own import name (`httpx`, `my-lib` is
`my_lib`). Names are normalized as PyPI does.
"""

from __future__ import annotations

import sys

from packaging.utils import canonicalize_name

# import name: distributions that have it
_IMPORTS = """
adlfs: adlfs
aiokafka: aiokafka
airflow: apache-airflow
alembic: alembic
amqp: amqp
apscheduler: apscheduler
arango: python-arango
asyncmy: asyncmy
attr: attrs
attrs: attrs
azure: azure-*
backports: backports-*
bio: biopython
bs4: beautifulsoup4
brotli: brotli brotlipy
cassandra: cassandra-driver
cairo: pycairo
chromadb: chromadb chromadb-client
clickhouse_driver: clickhouse-driver
clickhouse_connect: clickhouse-connect
confluent_kafka: confluent-kafka
corsheaders: django-cors-headers
crispy_forms: django-crispy-forms
Crypto: pycryptodome pycrypto
Cryptodome: pycryptodomex
cv2: opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless
dateutil: python-dateutil
dateparser: dateparser
ddtrace: ddtrace
decouple: python-decouple
discord: discord-py py-cord
django: django
django_filters: django-filter
django_celery_beat: django-celery-beat
django_celery_results: django-celery-results
django_redis: django-redis
django_extensions: django-extensions
django_prometheus: django-prometheus
dj_database_url: dj-database-url
dns: dnspython
docx: python-docx
dotenv: python-dotenv
drf_spectacular: drf-spectacular
drf_yasg: drf-yasg
Xlib: python-xlib
elasticapm: elastic-apm
elasticsearch: elasticsearch elasticsearch7 elasticsearch8
email_validator: email-validator
engineio: python-engineio
environ: django-environ
environs: environs
faiss: faiss-cpu faiss-gpu
fastapi_users: fastapi-users
fitz: pymupdf
flask: flask
flask_cors: flask-cors
flask_jwt_extended: flask-jwt-extended
flask_limiter: flask-limiter
flask_login: flask-login
flask_migrate: flask-migrate
flask_restful: flask-restful
flask_socketio: flask-socketio
flask_sqlalchemy: flask-sqlalchemy
flask_wtf: flask-wtf
gi: pygobject
git: gitpython
github: pygithub
gitlab: python-gitlab
google: google-* googleapis-common-protos protobuf grpc-google-* proto-plus
google: opentelemetry-exporter-gcp-* firebase-admin vertexai
googleapiclient: google-api-python-client
grpc: grpcio
grpc_health: grpcio-health-checking
grpc_reflection: grpcio-reflection
grpc_status: grpcio-status
grpc_tools: grpcio-tools
haystack: haystack-ai farm-haystack django-haystack
hvac: hvac
igraph: igraph python-igraph
influxdb: influxdb
influxdb_client: influxdb-client
jaeger_client: jaeger-client
jinja2: jinja2
jose: python-jose josepy
jwt: pyjwt
kafka: kafka-python kafka-python-ng
kubernetes: kubernetes
kubernetes_asyncio: kubernetes-asyncio
langchain: langchain langchain-classic
ldap: python-ldap
ldap3: ldap3
levenshtein: levenshtein python-levenshtein
Levenshtein: levenshtein python-levenshtein
logstash: python-logstash
magic: python-magic python-magic-bin
markdown: markdown
markdown_it: markdown-it-py
mpl_toolkits: matplotlib
multipart: python-multipart
MySQLdb: mysqlclient
mysql: mysql-connector-python mysql-connector
nacl: pynacl
neo4j: neo4j neo4j-driver
OpenSSL: pyopenssl
opensearchpy: opensearch-py
opentelemetry: opentelemetry-*
opentracing: opentracing
osgeo: gdal
paho: paho-mqtt
passlib: passlib
PIL: pillow pillow-simd
pika: pika
pkg_resources: setuptools
playhouse: peewee
pptx: python-pptx
prometheus_client: prometheus-client
prometheus_fastapi_instrumentator: prometheus-fastapi-instrumentator
prometheus_flask_exporter: prometheus-flask-exporter
psycopg: psycopg psycopg-binary psycopg-c
psycopg2: psycopg2 psycopg2-binary
psycopg_pool: psycopg-pool
pubsub: pypubsub
pwnlib: pwntools
pyasn1: pyasn1
pydantic_core: pydantic-core
pydantic_settings: pydantic-settings
pymavlink: pymavlink
pymodbus: pymodbus
pymongo: pymongo
bson: pymongo bson
gridfs: pymongo
pymysql: pymysql
pyodbc: pyodbc
pythonjsonlogger: python-json-logger
pytz: pytz
pywin32: pywin32
redis: redis
rediscluster: redis-py-cluster
requests_toolbelt: requests-toolbelt
rest_framework: djangorestframework
rest_framework_simplejwt: djangorestframework-simplejwt
ruamel: ruamel-yaml
scrapy: scrapy
sendgrid: sendgrid
sentence_transformers: sentence-transformers
sentry_sdk: sentry-sdk
serial: pyserial
setuptools: setuptools
sklearn: scikit-learn
skimage: scikit-image
slack: slackclient slack-sdk
slack_bolt: slack-bolt
slack_sdk: slack-sdk
slugify: python-slugify unicode-slugify awesome-slugify
smbus: smbus smbus-cffi
snappy: python-snappy
snowflake: snowflake-connector-python snowflake-sqlalchemy
socketio: python-socketio
socks: pysocks
sse_starlette: sse-starlette
starlette_exporter: starlette-exporter
starlette_prometheus: starlette-prometheus
statsmodels: statsmodels
storages: django-storages
telegram: python-telegram-bot
telebot: pytelegrambotapi
tensorflow: tensorflow tensorflow-cpu tensorflow-gpu tf-nightly
tlz: toolz
toml: toml
torch: torch
usb: pyusb
umap: umap-learn
uvicorn_worker: uvicorn-worker
websocket: websocket-client
websockets: websockets
weasyprint: weasyprint
werkzeug: werkzeug
whitenoise: whitenoise
wx: wxpython
wtforms: wtforms
xmltodict: xmltodict
yaml: pyyaml
zmq: pyzmq
zope: zope-*
unstructured: unstructured
ultralytics: ultralytics
geoalchemy2: geoalchemy2
shapely: shapely
rasterio: rasterio
mediapipe: mediapipe
gym: gym gymnasium
stripe: stripe
qrcode: qrcode
nats: nats-py
aio_pika: aio-pika
aiomqtt: aiomqtt
asyncio_mqtt: asyncio-mqtt
gmqtt: gmqtt
hiredis: hiredis
motor: motor
odmantic: odmantic
beanie: beanie
pyarrow: pyarrow
jsonschema: jsonschema
markupsafe: markupsafe
jsonpath_ng: jsonpath-ng
lxml: lxml
pgvector: pgvector
pycountry: pycountry
pynput: pynput
dronekit: dronekit
mavsdk: mavsdk
pyproj: pyproj
"""

# Distributions of one import name that are no `name.replace("-", "_")` of it but well known; each
# is its own import. They count as known, so that their absence can be told.
_PLAIN = """
aiobotocore aiofiles aiohttp aiomysql aiopg aioredis aiosqlite anthropic anyio arq arrow asgiref
asyncpg authlib autobahn babel bcrypt beautifulsoup4 billiard black bleach blinker boto3 botocore
bottle cachetools catboost celery certifi cffi chardet charset-normalizer cherrypy click cohere
colorama colorlog coloredlogs cryptography cython dask databases datasets deepdiff defusedxml
diskcache docker docopt dramatiq dynaconf eventlet ecdsa faker falcon fakeredis fastapi fastavro
feedparser filelock fiona flower folium fsspec gevent geopandas gensim graphene graphql-core
greenlet gspread gunicorn h11 h3 halo hdfs html5lib httpcore httplib2 httptools httpx huey
huggingface-hub humanize hypercorn hypothesis idna ijson imageio inflection ipython isodate
itsdangerous jax jinja2 jmespath joblib jsonpickle jsonpatch kombu keras langgraph langsmith
lightgbm limits litellm litestar llvmlite locust logfire loguru mako mangum marshmallow matplotlib
minio mlflow mongoengine more-itertools msgpack msgspec networkx nltk numba numpy oauthlib onnx
onnxruntime openai openpyxl optuna orjson ormar oslo-config packaging pandas paramiko parso peewee
pendulum phonenumbers pip playwright plotly pluggy polars polyfactory psutil pulsar-client
pyasn1 pycparser pydantic pydub pygments pyinstrument pymssql pynamodb pypdf pypdf2 pyperclip
pytest python-consul pyvista pyzmq qdrant-client quart ray rapidfuzz ratelimit regex reportlab
requests requests-oauthlib retry retrying rich rq rsa ruff s3fs sanic scipy seaborn selenium
sentencepiece shortuuid simplejson six slowapi sniffio sortedcontainers soupsieve spacy sqlalchemy
sqlalchemy-utils sqlmodel sqlparse starlette streamlit strawberry-graphql structlog supabase sympy
tabulate taskiq tenacity thrift tiktoken tinydb tokenizers toolz tornado tortoise-orm tqdm
transformers trio twilio twisted typer typing-extensions tzlocal tzdata ujson unidecode urllib3
uvicorn
uvloop validators vine voluptuous waitress watchdog watchfiles wrapt xgboost xlrd xlsxwriter yarl
zeep zstandard openapi-spec-validator httpx-sse aiocache aiosmtplib fastapi-mail fastapi-limiter
fastapi-cache2 fastapi-pagination svix posthog statsd datadog newrelic opencensus elasticsearch-dsl
meilisearch pymilvus weaviate-client pinecone scikit-optimize yfinance ccxt web3 eth-account solana
ortools pulp cvxpy deepface easyocr pytesseract pdfplumber pdf2image pydicom nibabel gradio
pyotp python-ldap user-agents geopy geoip2 maxminddb shap lime prophet statsforecast
"""

_IMPORT_OF_PLAIN = {"pulsar-client": "pulsar", "strawberry-graphql": "strawberry",
                    "fastapi-cache2": "fastapi_cache", "tortoise-orm": "tortoise",
                    "weaviate-client": "weaviate", "scikit-optimize": "skopt",
                    "graphql-core": "graphql", "python-consul": "consul", "pypdf2": "PyPDF2",
                    "beautifulsoup4": "bs4", "python-ldap": "ldap", "ipython": "IPython",
                    "cython": "Cython"}  # fmt: skip

# distribution: what it always brings
_BRINGS = """
aiohttp: aiohappyeyeballs
apscheduler: tzlocal pytz six
fakeredis: redis sortedcontainers
gevent: cffi
google-auth: cryptography pyasn1-modules
kombu: packaging tzdata
celery: tzlocal
opentelemetry-instrumentation: opentelemetry-semantic-conventions
psycopg: tzdata
psycopg-pool: typing-extensions
pyasn1-modules: pyasn1
python-slugify: text-unidecode
s3transfer: botocore
simple-websocket: wsproto
sympy: mpmath
tokenizers: huggingface-hub
trio: attrs idna outcome sniffio sortedcontainers
tzlocal: tzdata
watchfiles: anyio
wsproto: h11
yarl: idna multidict propcache
fastapi: starlette pydantic typing-extensions
starlette: anyio typing-extensions
anyio: idna sniffio typing-extensions
pydantic: pydantic-core annotated-types typing-extensions typing-inspection
pydantic-settings: pydantic python-dotenv
sqlmodel: sqlalchemy pydantic
uvicorn: click h11 typing-extensions
uvicorn[standard]: httptools python-dotenv pyyaml uvloop watchfiles websockets
fastapi[standard]: uvicorn[standard] httpx jinja2 python-multipart email-validator fastapi-cli typer
fastapi[standard]: rich
fastapi[all]: uvicorn[standard] httpx jinja2 python-multipart email-validator fastapi-cli typer rich
fastapi[all]: orjson ujson pyyaml itsdangerous pydantic-settings
starlette[full]: httpx jinja2 python-multipart pyyaml itsdangerous
fastapi-cli: typer uvicorn rich
fastapi-users: fastapi pyjwt email-validator python-multipart pwdlib makefun
hypercorn: h11 h2 wsproto priority
h2: hpack hyperframe
httpx: httpcore anyio certifi idna sniffio h11
httpx[http2]: h2
httpcore: h11 certifi
requests: urllib3 certifi idna charset-normalizer
requests-oauthlib: requests oauthlib
boto3: botocore jmespath s3transfer
botocore: jmespath python-dateutil urllib3
aiobotocore: aiohttp botocore wrapt
aioboto3: aiobotocore aiofiles boto3
s3fs: aiobotocore fsspec aiohttp
python-dateutil: six
pandas: numpy python-dateutil pytz tzdata
geopandas: pandas numpy shapely pyproj packaging fiona
scikit-learn: numpy scipy joblib threadpoolctl
scipy: numpy
seaborn: matplotlib pandas numpy
matplotlib: numpy pillow cycler kiwisolver pyparsing packaging python-dateutil contourpy fonttools
opencv-python: numpy
opencv-python-headless: numpy
opencv-contrib-python: numpy
shapely: numpy
rasterio: numpy affine attrs click cligj certifi
folium: branca jinja2 numpy requests xyzservices
xgboost: numpy scipy
lightgbm: numpy scipy
onnxruntime: numpy protobuf flatbuffers sympy packaging coloredlogs
torch: numpy sympy networkx jinja2 fsspec filelock typing-extensions
torchvision: torch numpy pillow
transformers: huggingface-hub numpy packaging pyyaml regex requests tokenizers safetensors tqdm
transformers: filelock
sentence-transformers: transformers torch scikit-learn scipy huggingface-hub pillow tqdm numpy
huggingface-hub: requests pyyaml tqdm filelock fsspec packaging typing-extensions httpx
datasets: numpy pandas pyarrow requests tqdm fsspec huggingface-hub dill multiprocess xxhash aiohttp
datasets: pyyaml
ultralytics: opencv-python torch torchvision numpy pillow pyyaml requests scipy matplotlib pandas
ultralytics: psutil tqdm seaborn
scikit-image: numpy scipy pillow networkx imageio tifffile lazy-loader packaging
sqlalchemy: greenlet typing-extensions
alembic: sqlalchemy mako typing-extensions
mako: markupsafe
jinja2: markupsafe
flask: werkzeug jinja2 itsdangerous click blinker markupsafe
flask-sqlalchemy: flask sqlalchemy
flask-migrate: flask flask-sqlalchemy alembic
flask-login: flask werkzeug
flask-cors: flask werkzeug
flask-wtf: flask wtforms itsdangerous
flask-restful: flask aniso8601 six pytz
flask-jwt-extended: flask pyjwt werkzeug
flask-limiter: flask limits ordered-set rich typing-extensions
flask-socketio: flask python-socketio
python-socketio: python-engineio bidict
python-engineio: simple-websocket
quart: flask werkzeug jinja2 hypercorn aiofiles blinker click itsdangerous
werkzeug: markupsafe
django: asgiref sqlparse
djangorestframework: django
djangorestframework-simplejwt: django djangorestframework pyjwt
django-filter: django
django-cors-headers: django asgiref
django-redis: django redis
django-celery-beat: django celery python-crontab cron-descriptor tzdata django-timezone-field
django-celery-results: django celery
django-environ: django-environ
django-prometheus: prometheus-client
drf-spectacular: django djangorestframework pyyaml uritemplate jsonschema inflection
drf-yasg: django djangorestframework pyyaml uritemplate inflection packaging pytz
celery: kombu billiard vine click python-dateutil tzdata click-didyoumean click-plugins click-repl
celery[redis]: redis
kombu: amqp vine
flower: celery tornado prometheus-client humanize pytz
rq: redis click
arq: redis click typing-extensions
dramatiq[redis]: redis
dramatiq[rabbitmq]: pika
dramatiq: prometheus-client
aio-pika: aiormq yarl
aiokafka: async-timeout packaging typing-extensions
aiohttp: aiosignal attrs frozenlist multidict yarl propcache
aiomqtt: paho-mqtt
asyncio-mqtt: paho-mqtt
motor: pymongo dnspython
pymongo: dnspython
beanie: pydantic motor pymongo click lazy-model toml
mongoengine: pymongo
python-jose: ecdsa rsa pyasn1
python-jose[cryptography]: cryptography cffi
pyjwt[crypto]: cryptography cffi
passlib[bcrypt]: bcrypt
passlib[argon2]: argon2-cffi
cryptography: cffi
cffi: pycparser
pyopenssl: cryptography
pynacl: cffi
paramiko: cryptography bcrypt pynacl
authlib: cryptography
rsa: pyasn1
jsonschema: attrs referencing rpds-py jsonschema-specifications
referencing: attrs rpds-py
grpcio-tools: grpcio protobuf setuptools
grpcio-status: grpcio protobuf googleapis-common-protos
grpcio-health-checking: grpcio protobuf
grpcio-reflection: grpcio protobuf
googleapis-common-protos: protobuf
google-api-core: google-auth googleapis-common-protos protobuf requests proto-plus
google-auth: cachetools pyasn1-modules rsa
google-cloud-storage: google-api-core google-auth google-cloud-core google-resumable-media requests
google-cloud-storage: google-crc32c
google-api-python-client: google-api-core google-auth google-auth-httplib2 httplib2 uritemplate
firebase-admin: google-api-core google-cloud-firestore google-cloud-storage google-auth cachecontrol
firebase-admin: pyjwt
opentelemetry-sdk: opentelemetry-api opentelemetry-semantic-conventions typing-extensions
opentelemetry-api: importlib-metadata
opentelemetry-distro: opentelemetry-api opentelemetry-sdk opentelemetry-instrumentation
opentelemetry-instrumentation: opentelemetry-api wrapt packaging
opentelemetry-exporter-otlp: opentelemetry-exporter-otlp-proto-grpc
opentelemetry-exporter-otlp: opentelemetry-exporter-otlp-proto-http
opentelemetry-exporter-otlp-proto-grpc: grpcio googleapis-common-protos opentelemetry-api
opentelemetry-exporter-otlp-proto-grpc: opentelemetry-sdk opentelemetry-proto
opentelemetry-exporter-otlp-proto-http: requests googleapis-common-protos opentelemetry-api
opentelemetry-exporter-otlp-proto-http: opentelemetry-sdk opentelemetry-proto
opentelemetry-proto: protobuf
opentelemetry-exporter-prometheus: prometheus-client opentelemetry-api opentelemetry-sdk
prometheus-fastapi-instrumentator: prometheus-client starlette
prometheus-flask-exporter: prometheus-client flask
starlette-exporter: prometheus-client starlette
starlette-prometheus: prometheus-client starlette
python-multipart:
email-validator: dnspython idna
typer: click rich shellingham typing-extensions
rich: markdown-it-py pygments
slowapi: limits
limits: deprecated packaging typing-extensions
fastapi-limiter: redis fastapi
fastapi-mail: aiosmtplib email-validator jinja2 pydantic pydantic-settings starlette blinker
sentry-sdk: urllib3 certifi
openai: httpx pydantic anyio tqdm typing-extensions distro jiter sniffio
anthropic: httpx pydantic anyio typing-extensions distro jiter sniffio
langchain: langchain-core langsmith pydantic sqlalchemy pyyaml requests numpy aiohttp tenacity
langchain-core: langsmith pydantic pyyaml tenacity packaging jsonpatch typing-extensions
langchain-openai: langchain-core openai tiktoken
langchain-community: langchain-core langchain sqlalchemy aiohttp numpy pyyaml requests tenacity
langgraph: langchain-core
langsmith: httpx pydantic requests orjson
litellm: httpx openai aiohttp jinja2 jsonschema pydantic click tiktoken tokenizers python-dotenv
tiktoken: regex requests
qdrant-client: httpx numpy pydantic grpcio portalocker urllib3
weaviate-client: httpx pydantic grpcio authlib validators
supabase: httpx gotrue postgrest pydantic
elasticsearch: elastic-transport certifi urllib3
opensearch-py: requests urllib3 certifi python-dateutil
influxdb-client: reactivex certifi python-dateutil urllib3 setuptools
kubernetes: certifi six python-dateutil pyyaml google-auth websocket-client requests
kubernetes: requests-oauthlib urllib3
docker: requests urllib3
minio: certifi urllib3 argon2-cffi pycryptodome typing-extensions
stripe: requests typing-extensions
twilio: requests pyjwt aiohttp
slack-bolt: slack-sdk
python-telegram-bot: httpx
discord-py: aiohttp
selenium: trio urllib3 certifi websocket-client typing-extensions
scrapy: twisted lxml parsel cryptography pyopenssl w3lib
beautifulsoup4: soupsieve typing-extensions
gspread: google-auth google-auth-oauthlib
streamlit: pandas numpy altair pillow pyarrow requests rich tornado protobuf click packaging
streamlit: tenacity toml
gradio: fastapi uvicorn httpx pandas numpy pillow pydantic jinja2 huggingface-hub orjson
gradio: python-multipart pyyaml starlette typer
mlflow: flask sqlalchemy pandas numpy scikit-learn requests pyyaml click docker matplotlib alembic
mlflow: cloudpickle gitpython gunicorn protobuf
dask: click cloudpickle fsspec packaging partd pyyaml toolz
apache-airflow: sqlalchemy alembic flask jinja2 requests httpx pendulum attrs pydantic gunicorn
apache-airflow: python-dateutil rich
pendulum: python-dateutil tzdata
arrow: python-dateutil
psycopg: typing-extensions
psycopg[binary]: psycopg-binary
psycopg[pool]: psycopg-pool
asyncpg: async-timeout
databases: sqlalchemy
tortoise-orm: aiosqlite iso8601 pypika-tortoise pytz
redis: async-timeout
redis[hiredis]: hiredis
aioredis: async-timeout typing-extensions
structlog: typing-extensions
strawberry-graphql: graphql-core python-dateutil typing-extensions
graphene: graphql-core graphql-relay aniso8601 python-dateutil
logfire: opentelemetry-sdk opentelemetry-exporter-otlp-proto-http rich protobuf executing
azure-identity: azure-core cryptography msal
azure-core: requests six typing-extensions
azure-storage-blob: azure-core cryptography isodate typing-extensions
gitpython: gitdb
connexion: flask werkzeug pyyaml jsonschema requests jinja2
gunicorn: packaging
gunicorn[gevent]: gevent
gunicorn[eventlet]: eventlet
gevent: greenlet zope-event zope-interface
eventlet: dnspython greenlet
twisted: attrs zope-interface constantly automat hyperlink incremental typing-extensions
web3: aiohttp eth-account eth-utils requests websockets hexbytes pydantic
locust: flask gevent requests werkzeug psutil pyzmq msgpack
pymavlink: lxml future
dronekit: pymavlink monotonic
ortools: numpy pandas protobuf absl-py
tensorflow: numpy protobuf h5py keras grpcio requests six absl-py packaging typing-extensions
tensorflow: tensorboard
keras: numpy h5py rich absl-py
jupyter: notebook ipykernel jupyterlab nbconvert
notebook: jupyterlab tornado jupyter-server
jupyter-server: prometheus-client tornado jinja2 pyzmq
ray: click jsonschema msgpack protobuf pyyaml requests packaging filelock
spacy: numpy pydantic requests tqdm typer jinja2 packaging thinc
nltk: click joblib regex tqdm
plotly: packaging tenacity
kfp: google-auth kubernetes pyyaml click protobuf
feast: click pandas numpy pydantic pyarrow fastapi uvicorn jinja2 protobuf sqlalchemy pyyaml
feast: requests
prefect: fastapi httpx pydantic sqlalchemy alembic click typer rich anyio pendulum
pytest: iniconfig packaging pluggy
"""

# Imports that later or earlier versions of the standard library have.
_SOMETIME_STANDARD = {
    "distutils", "imp", "asyncore", "asynchat", "smtpd", "audioop", "cgi", "cgitb", "crypt",
    "imghdr", "nntplib", "pipes", "sndhdr", "spwd", "telnetlib", "uu", "xdrlib", "aifc", "chunk",
    "msilib", "nis", "ossaudiodev", "sunau", "lib2to3", "tomllib", "zoneinfo", "graphlib",
    "annotationlib", "compression", "_typeshed",
}  # fmt: skip


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Rows of `name: others`; a name whose others need two rows has two."""
    found: dict[str, tuple[str, ...]] = {}
    for row in text.strip().splitlines():
        name, _, others = row.partition(":")
        found[name] = (*found.get(name, ()), *others.split())
    return found


_BY_IMPORT = {
    _IMPORT_OF_PLAIN.get(name, name.replace("-", "_")): (name,) for name in _PLAIN.split()
} | _table(_IMPORTS)
_BROUGHT = _table(_BRINGS)
_KNOWN = frozenset(
    {name for names in _BY_IMPORT.values() for name in names}
    | {name.partition("[")[0] for name in _BROUGHT}
    | {name.partition("[")[0] for names in _BROUGHT.values() for name in names}
)
# Imports of what so many distributions bring that one of those not known here may.
_COMMON = _names(
    """
    requests urllib3 certifi idna charset_normalizer six typing_extensions packaging attr
    attrs numpy click yaml jinja2 markupsafe dateutil pytz tzdata cffi cryptography anyio
    sniffio h11 httpcore pkg_resources setuptools google grpc wrapt tqdm rich pygments
    psutil pydantic httpx aiohttp yarl multidict websockets websocket jsonschema tenacity
    PIL scipy pandas sqlalchemy lxml toml importlib_metadata pluggy jwt dotenv starlette zmq
    tornado
    """
)
# Known to bring nothing that somebody would import without asking for it.
_LEAVES = _names(
    """
    aiofiles aiosqlite annotated-types argon2-cffi async-timeout asyncpg bcrypt blinker
    cachetools certifi cffi charset-normalizer click colorama ecdsa fakeredis filelock
    gunicorn greenlet h11 httptools idna itsdangerous loguru markupsafe msgpack mysqlclient
    networkx numpy orjson packaging paho-mqtt passlib peewee pillow pip prometheus-client
    protobuf psutil psycopg-binary psycopg-c psycopg-pool psycopg2 psycopg2-binary pyasn1
    pyasn1-modules pycparser pydantic-core pygments pyjwt pymysql pymavlink pyparsing
    pyserial python-decouple python-dotenv python-json-logger python-magic python-multipart
    python-slugify pytz pyyaml regex setuptools simplejson six sniffio sortedcontainers
    soupsieve sqlparse structlog tabulate tenacity toml tomli tqdm typing-extensions
    typing-inspection tzdata ujson uvloop vine watchfiles websockets websocket-client wheel
    whitenoise wrapt xmltodict zstandard grpcio lxml python-dateutil tzlocal pika
    kafka-python confluent-kafka nats-py mako redis hiredis aioredis pymongo
    elastic-transport watchdog geoalchemy2 jsonschema-specifications rpds-py referencing
    attrs croniter schedule apscheduler shellingham opentelemetry-semantic-conventions
    importlib-metadata zipp googleapis-common-protos cycler kiwisolver contourpy fonttools
    threadpoolctl joblib branca xyzservices fiona pyproj affine cligj sympy mpmath
    flatbuffers coloredlogs frozenlist multidict yarl propcache aiosignal
    """
)
_EXPLAINED = _LEAVES | frozenset(name.partition("[")[0] for name in _BROUGHT) | {
    other.partition("[")[0] for others in _BROUGHT.values() for other in others
}  # fmt: skip


def is_standard(module: str) -> bool:
    """Whether a top-level name belongs to Python itself, in some version."""
    return module in sys.stdlib_module_names or module in _SOMETIME_STANDARD


def is_known_import(module: str) -> bool:
    """Whether it is known for sure which distributions have this top-level name."""
    return module in _BY_IMPORT


def is_known(distribution: str) -> bool:
    """Whether the imports of a distribution are known, or follow from its name."""
    return distribution in _KNOWN


def candidates(module: str) -> tuple[str, ...]:
    """The distributions that an import may come from, the usual one first; `x-*` for a family.

    `jwt` comes from pyjwt; what is not known, from the distribution of its own name.
    """
    top = module.partition(".")[0]
    return _BY_IMPORT.get(top) or (canonicalize_name(top),)


def brought(distribution: str, extras: frozenset[str] = frozenset()) -> frozenset[str]:
    """Everything that installing a distribution is known to install, itself included."""
    found: set[str] = set()
    waiting = [distribution, *(f"{distribution}[{extra}]" for extra in sorted(extras))]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_BROUGHT.get(name, ()))
            if "[" in name:
                waiting.append(name.partition("[")[0])
    return frozenset(name for name in found if "[" not in name)


def provides(module: str, installed: frozenset[str]) -> bool:
    """Whether one of these distributions has the module, as far as names tell.

    A name that only resembles it counts: `foo` may come from `python-foo` or `foo-py`.
    """
    for name in _of_telemetry(module) or candidates(module):
        if name.endswith("*"):
            if any(other.startswith(name[:-1]) for other in installed):
                return True
        elif name in installed:
            return True
    if is_known_import(module.partition(".")[0]):
        return False
    own = _core(canonicalize_name(module.partition(".")[0]))
    return any(_resembles(other, own) for other in installed)


def _of_telemetry(module: str) -> tuple[str, ...]:
    """The distributions of a part of OpenTelemetry, which is one package in hundreds of them."""
    top, _, rest = module.partition(".")
    kind, _, inner = rest.partition(".")
    name = inner.partition(".")[0].replace("_", "-")
    if top != "opentelemetry" or (not inner and kind != "sdk"):
        return ()
    if kind == "sdk":
        return ("opentelemetry-sdk",)
    if kind == "exporter":
        return (f"opentelemetry-exporter-{name}*",)
    if kind == "instrumentation" and name not in _OF_INSTRUMENTATION:
        return (f"opentelemetry-instrumentation-{name}*",)
    return ()


# Modules of opentelemetry-instrumentation itself, and those that go by another name.
_OF_INSTRUMENTATION = frozenset(
    {"instrumentor", "utils", "propagators", "auto-instrumentation", "distro", "dependencies",
     "environment-variables", "sqlcommenter-utils", "bootstrap", "version", "package", "dbapi"}
)  # fmt: skip


def _resembles(distribution: str, core: str) -> bool:
    """`traceloop-sdk` and `vcrpy` may well have `traceloop` and `vcr`."""
    own = _core(distribution)
    return own == core or core in distribution.split("-") or own.startswith((core, f"{core}py"))


def _core(name: str) -> str:
    """`python-foo`, `py-foo`, `foo-python` and `foo` are `foo`."""
    parts = [part for part in name.split("-") if part not in ("python", "py", "lib", "django")]
    core = "".join(parts) or name
    return core.removeprefix("py") or core


def is_explained(distribution: str) -> bool:
    """Whether it is known what else a distribution brings, and under which names it is imported."""
    return distribution in _EXPLAINED


def is_common(module: str) -> bool:
    """Whether so many distributions bring it that no list of them is whole."""
    return module in _COMMON

#!/usr/bin/python3
"""Inside the box: boto3 against S3, as programs use it. usage: boto.py BYTES"""

import hashlib
import io
import sys
import urllib.error
import urllib.request

import boto3
import botocore.config


def said(what, good):
    print(what, "good" if good else "BAD", flush=True)


def main():
    size = int(sys.argv[1])
    s3 = boto3.client("s3")
    for algorithm in ("SHA256", "CRC32"):
        # Over TLS: aws-chunked, with the checksum in the trailer.
        done = s3.put_object(Bucket="bucket", Key=f"with {algorithm}/é", Body=io.BytesIO(b"x" * 300000), ChecksumAlgorithm=algorithm)
        said(f"trailer {algorithm}", done["ResponseMetadata"]["HTTPStatusCode"] == 200)
    data = b"".join(b"%015d\n" % n for n in range(size // 16))
    done = s3.put_object(Bucket="bucket", Key="big", Body=data, ChecksumAlgorithm="CRC32")
    said("100 MB", done["ResponseMetadata"]["HTTPStatusCode"] == 200)
    digest = hashlib.sha256()
    for piece in s3.get_object(Bucket="bucket", Key="big")["Body"].iter_chunks(1 << 20):
        digest.update(piece)
    said("streamed back", digest.digest() == hashlib.sha256(data).digest())
    # By default boto3 presigns with version 2, which AWS itself only takes in its oldest regions.
    version_4 = botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    url = boto3.client("s3", config=version_4).generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "presigned key"}, ExpiresIn=60)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=b"by URL", method="PUT")) as answer:
            said("presigned put", answer.status == 200)
    except urllib.error.HTTPError as error:
        print("presigned put:", error, error.read().decode())
    model = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.x"
    if "bedrock-runtime" in boto3.session.Session().get_available_services():
        done = boto3.client("bedrock-runtime").invoke_model(modelId=model, body=b"{}")
        said("bedrock", done["ResponseMetadata"]["HTTPStatusCode"] == 200)
    else:
        print("bedrock: this botocore does not know it")
    print("end")


if __name__ == "__main__":
    main()

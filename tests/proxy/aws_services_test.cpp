#include "proxy/aws_services.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/aws.hpp"

namespace redoubtful::proxy {
namespace {

using testing::HasSubstr;

struct Call {
  std::string service;
  std::string host;
  std::string method = "POST";
  std::string target = "/";
  Fields fields{};
};

Result<void> judge(const Call& call, const std::vector<std::string>& services) {
  SigV4Request signature;
  signature.scope = {"20150830", "us-east-1", call.service};
  RequestHead head;
  head.method = call.method;
  head.authority = call.host;
  head.target = call.target;
  head.fields = call.fields;
  return aws_call_allowed(signature, head, Host::parse(call.host).value(), services);
}

Field target(const std::string& name) { return {"X-Amz-Target", "Service_V1." + name}; }

TEST(AwsServices, TheHostSaysWhichServiceItIs) {
  for (const auto& [host, endpoint] : std::vector<std::pair<std::string, std::string>>{
           {"s3.amazonaws.com", "s3"},
           {"bucket.s3.amazonaws.com", "s3"},
           {"a.b.bucket.s3.eu-west-1.amazonaws.com", "s3"},
           {"sts.s3.amazonaws.com", "s3"},
           {"bucket.s3.dualstack.us-west-2.amazonaws.com", "s3"},
           {"s3-us-west-2.amazonaws.com", "s3-us-west-2"},
           {"s3-fips.us-gov-west-1.amazonaws.com", "s3"},
           {"bucket.s3-accelerate.amazonaws.com", "s3-accelerate"},
           {"b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "s3express-use1-az4"},
           {"bedrock-runtime.us-east-1.amazonaws.com", "bedrock-runtime"},
           {"bedrock-runtime-fips.us-east-1.amazonaws.com", "bedrock-runtime"},
           {"vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", "bedrock-runtime"},
           {"sts.amazonaws.com", "sts"},
           {"sts.cn-north-1.amazonaws.com.cn", "sts"},
           {"search-x.us-east-1.es.amazonaws.com", "es"},
           {"us-west-2.queue.amazonaws.com", "queue"},
           {"id.lambda-url.us-east-1.on.aws", "lambda-url"},
           {"lambda.us-east-1.api.aws", "lambda"},
           {"s3.eusc-de-east-1.amazonaws.eu", "s3"},
           {"us-east-1.amazonaws.com", "?"},
           {"amazonaws.com.evil.example", ""},
           {"evilamazonaws.com", ""},
           {"account.r2.cloudflarestorage.com", ""},
           {"192.0.2.1", ""},
       }) {
    EXPECT_EQ(aws_endpoint(Host::parse(host).value()), endpoint) << host;
  }
}

TEST(AwsServices, WhatIsListedPasses) {
  const std::vector<std::pair<Call, std::vector<std::string>>> table = {
      {{"bedrock", "bedrock-runtime.us-east-1.amazonaws.com"}, {"bedrock"}},
      {{"s3", "bucket.s3.us-east-1.amazonaws.com", "PUT", "/key?partNumber=1"}, {"ec2", "s3"}},
      {{"s3", "s3-us-west-2.amazonaws.com", "GET", "/bucket/v20180820/accessgrantsinstance"},
       {"s3"}},
      {{"s3", "minio.lab", "GET", "/"}, {"s3"}},
      {{"sts", "sts.amazonaws.com"}, {"sts"}},
      {{"ses", "email.us-east-1.amazonaws.com"}, {"ses"}},
      {{"sqs", "us-west-2.queue.amazonaws.com"}, {"sqs"}},
      {{"dynamodb", "1234.ddb.us-east-1.amazonaws.com"}, {"dynamodb"}},
      {{"iotdata", "x-ats.iot.us-east-1.amazonaws.com"}, {"iotdata"}},
      {{"lambda", "id.lambda-url.us-east-1.on.aws"}, {"lambda"}},
      {{"ecr", "api.ecr.us-east-1.amazonaws.com", "POST", "/", {target("DescribeImages")}},
       {"ecr"}},
      {{"ecr", "api.ecr.us-east-1.amazonaws.com", "POST", "/", {target("GetAuthorizationToken")}},
       {"ecr", "ecr:GetAuthorizationToken"}},
      {{"ecr", "api.ecr.us-east-1.amazonaws.com", "POST", "/", {target("GetAuthorizationToken")}},
       {"ecr:GetAuthorizationToken"}},
      {{"ecr", "api.ecr.us-east-1.amazonaws.com", "POST", "/", {target("DescribeImages")}},
       {"ecr:DescribeImages"}},
      {{"s3express", "b.s3express-a.us-east-1.amazonaws.com", "GET", "/?session"},
       {"s3express:CreateSession"}},
      {{"codeartifact", "codeartifact.us-east-1.amazonaws.com", "POST",
        "/v1/authorization-token?domain=d"},
       {"codeartifact:GetAuthorizationToken"}},
      {{"codeartifact", "codeartifact.us-east-1.amazonaws.com", "GET", "/v1/repository"},
       {"codeartifact"}},
  };
  for (const auto& [call, services] : table) {
    const auto allowed = judge(call, services);
    EXPECT_TRUE(allowed) << call.service << " " << call.host << " " << call.target << ": "
                         << allowed.error().what();
  }
}

TEST(AwsServices, WhatIsNotListedIsRefused) {
  const std::string ecr = "api.ecr.us-east-1.amazonaws.com";
  const std::string artifacts = "codeartifact.us-east-1.amazonaws.com";
  const Field form{"Content-Type", "application/x-www-form-urlencoded"};
  const std::vector<std::tuple<Call, std::vector<std::string>, std::string>> table = {
      {{"s3", "s3.amazonaws.com"}, {}, "do not list"},
      {{"s3", "s3.amazonaws.com"}, {"s3-outposts", "s"}, "do not list"},
      {{"S3", "s3.amazonaws.com"}, {"s3"}, "do not list"},
      {{"sts", "sts.amazonaws.com"}, {"s3", "bedrock"}, "do not list"},
      {{"iam", "iam.amazonaws.com"}, {"s3"}, "do not list"},
      // A listed service's signature on its way to another service.
      {{"s3", "sts.amazonaws.com"}, {"s3"}, "not one of its hosts"},
      {{"s3", "iam.amazonaws.com"}, {"s3"}, "not one of its hosts"},
      {{"s3", "s3.sts.us-east-1.amazonaws.com"}, {"s3"}, "not one of its hosts"},
      {{"sts", "sts.s3.amazonaws.com"}, {"sts"}, "not one of its hosts"},
      {{"bedrock", "us-east-1.amazonaws.com"}, {"bedrock"}, "not one of its hosts"},
      {{"s3", "s3express-a.us-east-1.amazonaws.com"}, {"s3"}, "not one of its hosts"},
      // Calls whose answers are credentials.
      {{"ecr", ecr, "POST", "/", {target("GetAuthorizationToken")}}, {"ecr"}, "new credential"},
      {{"ecr", ecr, "POST", "/", {target("getauthorizationtoken")}}, {"ecr"}, "new credential"},
      {{"ecr", ecr, "POST", "/service/X/operation/GetAuthorizationToken"},
       {"ecr"},
       "new credential"},
      {{"codeartifact", artifacts, "POST", "/v1/authorization-token"},
       {"codeartifact"},
       "new credential"},
      {{"codeartifact", artifacts, "POST", "//v1/./authorization%2Dtoken/"},
       {"codeartifact"},
       "new credential"},
      {{"s3", "bucket.s3.amazonaws.com", "GET", "/?session"}, {"s3"}, "new credential"},
      {{"s3", "bucket.s3.amazonaws.com", "GET", "/?a&%73ession=1"}, {"s3"}, "new credential"},
      {{"s3", "1.s3-control.us-east-1.amazonaws.com", "GET",
        "/v20180820/accessgrantsinstance/dataaccess?target=x"},
       {"s3"},
       "new credential"},
      {{"lakeformation", "lakeformation.us-east-1.amazonaws.com", "POST",
        "/GetTemporaryGlueTableCredentials"},
       {"lakeformation"},
       "new credential"},
      // Which call it is must be told, and in one way.
      {{"ecr", ecr}, {"ecr"}, "which call"},
      {{"ecr", ecr, "POST", "/", {target("ListImages"), target("GetAuthorizationToken")}},
       {"ecr"},
       "which call"},
      {{"ecr", ecr, "POST", "/service/X/operation/GetAuthorizationToken", {target("ListImages")}},
       {"ecr"},
       "which call"},
      {{"ecr", ecr, "POST", "/?Action=GetAuthorizationToken", {target("ListImages")}},
       {"ecr"},
       "which call"},
      {{"ecr", ecr, "POST", "/", {target("ListImages"), form}}, {"ecr"}, "which call"},
      // One call is listed, and it is another.
      {{"ecr", ecr, "POST", "/", {target("ListImages")}},
       {"ecr:GetAuthorizationToken"},
       "single calls"},
      {{"sts", "sts.amazonaws.com", "POST", "/", {form}},
       {"sts:GetCallerIdentity"},
       "single calls"},
  };
  for (const auto& [call, services, words] : table) {
    SCOPED_TRACE(call.service + " " + call.host + " " + call.target);
    const auto allowed = judge(call, services);
    ASSERT_FALSE(allowed);
    EXPECT_THAT(allowed.error().what(), HasSubstr(words));
  }
}

TEST(AwsServices, ARefusalOfAServiceThatMintsSaysWhy) {
  EXPECT_THAT(judge({"sts", "sts.amazonaws.com"}, {"s3"}).error().hint(),
              HasSubstr("new credentials"));
  EXPECT_THAT(judge({"ec2", "ec2.amazonaws.com"}, {"s3"}).error().hint(), HasSubstr("add ec2"));
}

TEST(AwsServices, EntriesHaveOneForm) {
  for (const std::string_view good :
       {"s3", "sts", "s3-object-lambda", "ecr:GetAuthorizationToken"}) {
    EXPECT_TRUE(check_aws_service(good)) << good;
  }
  for (const std::string_view bad : {"", "*", ":", "s3:", ":X", "s3:*", "a:b:c", "s 3", "s3/x"}) {
    EXPECT_FALSE(check_aws_service(bad)) << bad;
  }
}

}  // namespace
}  // namespace redoubtful::proxy

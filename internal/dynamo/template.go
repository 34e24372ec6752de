package dynamo

import "strings"

// Template returns a CloudFormation template that makes the table as Create does.
// Its content outlives the stack.
func Template(name string) string {
	return strings.ReplaceAll(`AWSTemplateFormatVersion: "2010-09-09"
Description: History and ledger of Nines, in one table.

Parameters:
  TableName:
    Type: String
    Default: NAME

Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      TableName: !Ref TableName
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - AttributeName: pk
          AttributeType: S
        - AttributeName: sk
          AttributeType: S
      KeySchema:
        - AttributeName: pk
          KeyType: HASH
        - AttributeName: sk
          KeyType: RANGE
      TimeToLiveSpecification:
        AttributeName: x
        Enabled: true
      PointInTimeRecoverySpecification:
        PointInTimeRecoveryEnabled: true
      DeletionProtectionEnabled: true
      SSESpecification:
        SSEEnabled: true

  Writer:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: What nines measure and nines gate do to the table.
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action:
              - dynamodb:GetItem
              - dynamodb:BatchGetItem
              - dynamodb:Query
              - dynamodb:PutItem
              - dynamodb:DeleteItem
            Resource: !GetAtt Table.Arn

  Reader:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: What nines status does to the table.
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action:
              - dynamodb:GetItem
              - dynamodb:BatchGetItem
              - dynamodb:Query
            Resource: !GetAtt Table.Arn

Outputs:
  Store:
    Description: What to give to --store.
    Value: !Sub dynamodb:${Table}?region=${AWS::Region}
  WriterPolicy:
    Value: !Ref Writer
  ReaderPolicy:
    Value: !Ref Reader
`, "NAME", name)
}

// Answers questions to IAM with @cloud-copilot/iam-simulate: JSON in by standard input, a list of
// answers out. An answer is Allowed, ImplicitlyDenied or ExplicitlyDenied, or says why there is none.

import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const { documents, questions } = JSON.parse(readFileSync(0, 'utf8'))
const named = (name) => ({ name, policy: documents[name] })

async function answer(question) {
  const outcome = await runSimulation(
    {
      request: {
        principal: question.principal,
        action: question.action,
        resource: { resource: question.resource, accountId: question.owner },
        contextVariables: question.context
      },
      identityPolicies: question.identity.map(named),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(question.boundary && { permissionBoundaryPolicies: [named(question.boundary)] }),
      ...(question.resourcePolicy && { resourcePolicy: documents[question.resourcePolicy] })
    },
    {}
  )
  if (outcome.resultType !== 'single') {
    return `no answer: ${JSON.stringify(outcome.errors ?? outcome.resultType)}`
  }
  const ignored = outcome.result.ignoredContextKeys ?? []
  return ignored.length > 0 ? `no answer: ${ignored} are no keys of this` : outcome.overallResult
}

const answers = []
for (const question of questions) answers.push(await answer(question))
process.stdout.write(JSON.stringify(answers))

/** Campaigns: their definition, their state, and the actions that move them. */
import { z } from 'zod'
import { outwardCampaign, outwardPage } from '../outward.ts'
import type { CampaignView } from '../ports/campaigns.ts'
import type { ApiPorts } from '../ports.ts'
import { campaign, definition, stepCounts, stopOptions } from '../schemas/campaigns.ts'
import { byName, failures, page, paging } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const tags = ['campaigns']

export function campaignRoutes(api: Api, ports: ApiPorts): void {
  const { campaigns } = ports

  api.put(
    '/v1/campaigns/:name',
    {
      config: { scope: 'campaign', deadline: 10_000 },
      schema: {
        tags,
        summary: 'Makes a campaign or changes its definition',
        params: byName,
        body: definition,
        response: { 200: campaign, 201: campaign, ...failures },
      },
    },
    async (request, reply) => {
      const { created, campaign } = await campaigns.put(request.params.name, request.body)
      return reply.code(created ? 201 : 200).send(outwardCampaign(campaign))
    },
  )

  api.get(
    '/v1/campaigns/:name',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'One campaign', params: byName, response: { 200: campaign, ...failures } },
    },
    async (request) => outwardCampaign(await campaigns.get(request.params.name)),
  )

  api.get(
    '/v1/campaigns',
    {
      config: { scope: 'read', list: true },
      schema: {
        tags,
        summary: 'All campaigns',
        querystring: z.strictObject(paging),
        response: { 200: page(campaign), ...failures },
      },
    },
    async (request) => outwardPage(await campaigns.list(request.query), outwardCampaign),
  )

  api.get(
    '/v1/campaigns/:name/steps',
    {
      config: { scope: 'read', deadline: 10_000 },
      schema: {
        tags,
        summary: 'How many conversations went where',
        params: byName,
        response: { 200: stepCounts, ...failures },
      },
    },
    async (request) => campaigns.counts(request.params.name),
  )

  const action = (path: string, summary: string, act: (name: string) => Promise<CampaignView>): void => {
    api.post(
      `/v1/campaigns/:name/${path}`,
      {
        config: { scope: 'campaign' },
        schema: {
          tags,
          summary,
          params: byName,
          body: z.strictObject({}).nullish(),
          response: { 200: campaign, ...failures },
        },
      },
      async (request) => outwardCampaign(await act(request.params.name)),
    )
  }
  action('start', 'Begins to dial', campaigns.start)
  action('pause', 'No new call', campaigns.pause)
  action('resume', 'Goes on after a pause', campaigns.resume)
  action('drain', 'No new call; stopped when the last one has ended', campaigns.drain)

  api.post(
    '/v1/campaigns/:name/stop',
    {
      config: { scope: 'campaign' },
      schema: {
        tags,
        summary: 'No new call, and an end to those that ring; with `now` also to those that talk',
        params: byName,
        body: stopOptions,
        response: { 200: campaign, ...failures },
      },
    },
    async (request) => outwardCampaign(await campaigns.stop(request.params.name, { now: request.body?.now ?? false })),
  )
}

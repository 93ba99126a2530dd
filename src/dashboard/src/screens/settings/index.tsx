import type { FunctionComponent } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { href } from '../../router'
import { base, may, organization, screen } from '../../session'
import { t } from '../../text'
import { Empty } from '../../ui/basics'
import { Audit } from './audit'
import { Keys } from './keys'
import { Members } from './members'
import { OrganizationSettings } from './organization'
import { Privacy } from './privacy'
import { Profile } from './profile'
import { Webhooks } from './webhooks'

type Section = { title: string; shown: () => boolean; Content: FunctionComponent }

const inOrganization = () => organization.value !== null
const sections: Record<string, Section> = {
  keys: { title: t.settings.keys, shown: () => inOrganization() && may.administrate.value, Content: Keys },
  members: { title: t.settings.members, shown: () => inOrganization() && may.administrate.value, Content: Members },
  organization: { title: t.settings.organization, shown: inOrganization, Content: OrganizationSettings },
  webhooks: { title: t.settings.webhooks, shown: () => inOrganization() && may.administrate.value, Content: Webhooks },
  privacy: { title: t.settings.privacy, shown: () => inOrganization() && may.administrate.value, Content: Privacy },
  audit: { title: t.settings.audit, shown: () => inOrganization() && may.administrate.value, Content: Audit },
  profile: { title: t.settings.profile, shown: () => true, Content: Profile },
}

export default function Settings() {
  const shown = Object.entries(sections).filter(([, section]) => section.shown())
  const name = screen.value[1] ?? shown[0]![0]
  const section = shown.find(([key]) => key === name)?.[1]
  const tabs = useRef<HTMLElement>(null)
  // On a narrow page not all fit.
  useEffect(() => tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }), [name])
  return (
    <div class="page">
      <header>
        <h1>{t.screens.settings}</h1>
      </header>
      <nav ref={tabs} class="tabs" aria-label={t.screens.settings}>
        {shown.map(([key, { title }]) => (
          <a key={key} href={href([...base.value, 'settings', key])} aria-current={key === name ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {section ? (
        <section.Content key={`${base.value} ${name}`} />
      ) : (
        <Empty icon="info" title={name in sections ? t.notAllowed : t.notFound} />
      )}
    </div>
  )
}
